"""The site of the docs: its pages are gathered and written, built by Zensical, and checked."""
