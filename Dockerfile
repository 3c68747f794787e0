# syntax=docker/dockerfile:1
ARG NODE_IMAGE=node:22.22.0-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY nest-cli.json tsconfig.json tsconfig.build.json vite.ui.config.ts ./
COPY src ./src
RUN npm run build

FROM ${NODE_IMAGE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --no-audit --no-fund && npm cache clean --force

FROM ${NODE_IMAGE}
LABEL org.opencontainers.image.title="ARUS MQTT Sync" org.opencontainers.image.licenses="MIT"
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY package.json LICENSE ./
# `arus-mqtt-sync status` refers to it.
COPY docs/operations.md ./docs/operations.md
# The queue outlives the container: mount a volume here, on a local disk (LMDB maps its file, which network file systems do not do well).
RUN mkdir /queue && chown node:node /queue
VOLUME /queue
USER node
ENV NODE_ENV=production PORT=5000 MQTT_QUEUE_DIR=/queue
EXPOSE 5000
# A missing broker is no reason to restart the container, so this asks whether the process works, not whether it is connected.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + (process.env.PORT || 5000) + '/health/live').then((response) => process.exit(response.ok ? 0 : 1), () => process.exit(1))"]
# Plain node is process 1: it gets SIGTERM itself and ends within SHUTDOWN_DEADLINE_MS.
CMD ["node", "dist/service/main.js"]
