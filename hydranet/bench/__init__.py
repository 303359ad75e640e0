"""Engines side by side on this machine: how long networks take, and how that compares.

Import from the modules; `hydranet bench` is the command.
"""
