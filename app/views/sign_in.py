"""Sign-in by OpenID Connect. Off unless it is set up, see docs/serving.md."""

from __future__ import annotations

import streamlit as st


def require_sign_in() -> None:
    """Where sign-in is set up, show nothing of the dashboard to whoever has not signed in."""
    if "is_logged_in" not in st.user:  # Streamlit has it only where sign-in is set up
        return
    if st.user.is_logged_in:
        with st.sidebar:
            st.button("Sign out", icon=":material/logout:", on_click=st.logout)
        return
    st.title("HydraNet explorer")
    st.markdown("Sign in to go on. Who may sign in is decided by whoever runs this server.")
    st.button("Sign in", icon=":material/login:", type="primary", on_click=st.login)
    st.stop()
