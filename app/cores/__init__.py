"""The cores of this server: who may compute, when, and what is kept of it for all sessions."""
