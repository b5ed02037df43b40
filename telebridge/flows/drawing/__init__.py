"""The picture of a flow: a graph of boxes and arrows, as Mermaid text or as SVG."""
