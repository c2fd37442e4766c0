"""A client of a model server, over gRPC or REST behind one interface; no TensorFlow.

The server is TensorFlow Serving or `serving.model_server`: to a client they are the same.
"""
