# syntax=docker/dockerfile:1
# One image for web, worker, beat and the migrations; the command tells them apart.
FROM python:3.11-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
WORKDIR /app
COPY requirements.txt .
# With brotli the static files are compressed once more, here, where the time it takes does not matter.
RUN pip install -r requirements.txt brotli==1.2.1
COPY . .
RUN SECRET_KEY=only-for-this-step DATABASE_URL=postgres://db/facet REDIS_URL=redis://redis:6379 \
    python manage.py collectstatic --no-input \
    && python -m compileall -q accounts crm metrics tiering

FROM python:3.11-slim-bookworm
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 MEDIA_ROOT=/data/media
RUN groupadd --gid 10001 facet \
    && useradd --uid 10001 --gid facet --home-dir /app --no-create-home --shell /usr/sbin/nologin facet \
    && install -d -o facet -g facet /data/media
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
WORKDIR /app
USER facet
VOLUME /data/media
EXPOSE 8000
CMD ["gunicorn", "crm.wsgi:application", "--config", "python:crm.gunicorn", "--bind", "0.0.0.0:8000"]
