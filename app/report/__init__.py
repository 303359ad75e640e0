"""One inspection to keep: a report as one HTML file, and its figures as JSON and CSV."""
