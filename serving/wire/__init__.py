"""What goes over the wire to and from a model server; imports no TensorFlow.

Status codes, the messages of TensorFlow Serving's public protos, and tensors as bytes.
"""
