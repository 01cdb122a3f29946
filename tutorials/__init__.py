"""The lessons of tinygrad_cnn, one folder a language; `tinygrad-cnn learn` lists and opens them.

This folder is installed as the package `tinygrad_cnn_tutorials`.
"""
