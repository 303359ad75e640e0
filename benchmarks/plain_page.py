"""What `benchmarks/dashboard.py` compares with: a plain Streamlit page that runs the model anew.

As one would write it in a quarter of an hour: the network is loaded once, and each change of k runs
it on the image and draws the gate's scores with Plotly. `streamlit run benchmarks/plain_page.py`.
"""

from __future__ import annotations

import plotly.express as px
import streamlit as st
from PIL import Image

import hydranet
from hydranet.models import Network

PHOTO = "app/samples/rocket.jpg"


@st.cache_resource
def network() -> Network:
    """The dashboard's first network, as torch runs it."""
    return hydranet.load("hydra_res_d1")


k = st.slider("Branches that fire (k)", 1, 20, 4)
image = Image.open(PHOTO)
(found,) = hydranet.predict(network(), [image], k=k, runs=1)
st.image(image)
fired = [branch in found.fired for branch in range(20)]
figure = px.bar(x=range(20), y=found.gate_scores, color=fired, title=f"{k} branches fired")
with st.container(key="network_picture"):
    st.plotly_chart(figure)
names = network().card.class_names  # type: ignore[union-attr] # a loaded network has its card
st.markdown(f"#### {names[found.best]}")
