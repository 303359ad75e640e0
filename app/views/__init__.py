"""Parts of pages: the only place that draws with Streamlit."""
