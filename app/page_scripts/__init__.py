"""One file a page; each only composes.

Not called `pages`: Streamlit makes a navigation of its own from a folder of that name, and shows it
to whoever opens a page's address before anyone has opened the first page.
"""
