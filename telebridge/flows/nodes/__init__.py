"""The models of nodes that are made of more than a text and the node that follows; `model` has the others."""
