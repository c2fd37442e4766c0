# The image of all nodes on Kubeflow, and of Beam workers: what requirements/image.txt pins by
# hash, goalpath itself, and nothing to build with. docs/kubeflow.md says how it is made.
ARG PYTHON_VERSION=3.10
# Of the lock: a worker's boot program has to be of the Beam that runs in it.
ARG BEAM_VERSION=2.74.0

FROM apache/beam_python${PYTHON_VERSION}_sdk:${BEAM_VERSION} AS beam

FROM python:${PYTHON_VERSION}-slim-bookworm AS build
WORKDIR /build
COPY requirements/bootstrap.txt requirements/image.txt requirements/
RUN python -m venv /opt/uv \
    && /opt/uv/bin/pip install --no-cache-dir --require-hashes -r requirements/bootstrap.txt \
    && python -m venv --without-pip /opt/goalpath \
    && /opt/uv/bin/uv pip install --no-cache --python /opt/goalpath/bin/python \
       --require-hashes -r requirements/image.txt
# After the packages, so that a change of ours does not fetch them anew.
COPY setup.py pyproject.toml README.md ./
COPY components components
COPY datasets datasets
COPY pipeline pipeline
COPY schemas schemas
COPY serving serving
COPY trainer trainer
COPY tools/prune_environment.py tools/prune_environment.py
RUN /opt/uv/bin/uv pip install --no-cache --python /opt/goalpath/bin/python \
       --no-deps --no-build-isolation . \
    && /opt/goalpath/bin/python tools/prune_environment.py /opt/goalpath

FROM python:${PYTHON_VERSION}-slim-bookworm
COPY --from=build /opt/goalpath /opt/goalpath
COPY --from=beam /opt/apache/beam /opt/apache/beam
# A user with a number, as Kubernetes wants it to know that it is not root. The folders are
# those that KFP's launcher copies artifacts to; older servers mount nothing there.
RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin goalpath \
    && mkdir /gcs /minio /s3 \
    && chmod 1777 /gcs /minio /s3
ENV PATH=/opt/goalpath/bin:$PATH \
    HOME=/tmp \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    TF_CPP_MIN_LOG_LEVEL=1 \
    RUN_PYTHON_SDK_IN_DEFAULT_ENVIRONMENT=1
WORKDIR /tmp
USER 10001:10001
# Kubeflow gives every node its command; without one the image is a Beam worker.
ENTRYPOINT ["/opt/apache/beam/boot"]
