# syntax=docker/dockerfile:1
# The worker's image. Name the base by digest, so that the same commit gives the same image:
#   docker build --build-arg PYTHON_IMAGE=docker.io/library/python:3.11-slim@sha256:… -t jetstream-argo .
ARG PYTHON_IMAGE

FROM ${PYTHON_IMAGE} AS build
# An index of Python packages other than pip's default.
ARG PIP_INDEX_URL
WORKDIR /source
COPY requirements/runtime.txt requirements/
# Compiled to bytecode here: the final image is read-only, and pods start in half the time.
RUN python3 -m venv /opt/jetstream \
 && /opt/jetstream/bin/python -m pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements/runtime.txt
COPY pyproject.toml README.md LICENSE ./
COPY jetstream_argo jetstream_argo
# What only building needs goes again: hatchling and its own dependencies, and at last pip itself. So does what nothing
# here imports: a second Kubernetes client of 70 MB, headers, and other packages' tests.
RUN /opt/jetstream/bin/python -m pip install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation . \
 && /opt/jetstream/bin/python -m pip uninstall --yes --quiet hatchling editables pathspec pluggy trove-classifiers \
 && /opt/jetstream/bin/python -m pip uninstall --yes --quiet setuptools pip \
 && cd /opt/jetstream/lib/python3*/site-packages \
 && rm -rf kubernetes/aio pyarrow/include pyarrow/src \
 && find . \( -name '*.pyi' -o -name '*.pxd' -o -name '*.pyx' -o -name '*.h' -o -name '*.hpp' \) -delete \
 && find . -depth -type d -name tests -exec rm -rf {} +

FROM ${PYTHON_IMAGE}
# Nothing in a pod installs anything.
RUN find / -xdev \( -path '*/site-packages/pip' -o -path '*/site-packages/setuptools' -o -path '*/ensurepip' \) -prune -exec rm -rf {} +
COPY --from=build /opt/jetstream /opt/jetstream
# One thread: a pod has a fraction of a core, and sums must not depend on the number of threads.
ENV PATH=/opt/jetstream/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    OMP_NUM_THREADS=1 \
    OPENBLAS_NUM_THREADS=1 \
    HOME=/tmp
USER 10001:10001
WORKDIR /tmp
ENTRYPOINT ["jetstream-argo"]
