# gans in a container, from the lock files. docs/install.md has the commands.
#   docker build -t gans .                                              # CPU
#   docker build -t gans:cuda --build-arg LOCK=requirements-cuda.lock . # NVIDIA GPUs, run with --gpus all
ARG PYTHON=3.11
FROM python:${PYTHON}-slim AS build
ARG LOCK=requirements.lock
WORKDIR /source
RUN python -m venv /opt/gans
ENV PATH=/opt/gans/bin:$PATH
COPY ${LOCK} ./
# XGBoost opens NCCL only to train on several GPUs, which gans never does; JAX for GPUs needs it
RUN python -m pip install --no-cache-dir --require-hashes -r ${LOCK} \
    && if [ "${LOCK}" = requirements.lock ]; then python -m pip uninstall -y nvidia-nccl-cu12; fi
COPY pyproject.toml README.md LICENSE ./
COPY gans gans
COPY conf conf
RUN python -m pip install --no-cache-dir --no-deps .

FROM python:${PYTHON}-slim
COPY --from=build /opt/gans /opt/gans
ENV PATH=/opt/gans/bin:$PATH \
    HOME=/home/gans \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
# the home is open to whatever user `docker run --user` names, so that files in a mounted folder belong to that one
RUN useradd --uid 1000 --home-dir /home/gans gans \
    && install -d -o gans -g gans -m 0777 /home/gans /work
USER 1000
WORKDIR /work
ENTRYPOINT ["gans"]
CMD ["--help"]
