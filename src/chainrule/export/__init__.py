"""Models as ONNX graphs, which run where chainrule is not."""

from chainrule.export.onnx_file import to_onnx

__all__ = ["to_onnx"]
