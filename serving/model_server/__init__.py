"""A local model server with TensorFlow Serving's interfaces, for machines without it.

`python -m serving.model_server --model_name=NAME --model_base_path=DIR`; docs/serving.md
says what of TensorFlow Serving is covered.
"""
