"""The dashboard: a Streamlit front end over the package `hydranet`."""
