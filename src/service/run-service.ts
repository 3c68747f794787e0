import { access, constants } from 'node:fs/promises';
import type { AddressInfo, Server } from 'node:net';
import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { SyncEvents } from '../mqtt-sync/sync-events.js';
import { AppModule } from './app.module.js';
import type { Environment } from './environment/environment.js';
import { ServiceHttpAdapter } from './http/service-http-adapter.js';
import { TCP_HOST, tcpTransport } from './ingress/tcp-transport.js';
import { assertCanListen } from './listening-places.js';
import { LogLevels } from './log-levels.js';
import { logMessages, MESSAGE_CATEGORY } from './message-log.js';
import { ServiceLogger } from './service-logger.js';
import { ServiceStop } from './service-stop.js';
import { describeStartFailure } from './start-failure.js';

/**
 * Runs the service until a signal ends it.
 * @param takeOverSignals called when signals are seen to here.
 */
export async function runService(environment: Environment, takeOverSignals: () => void): Promise<void> {
  const { resolved, settings, secrets } = environment;
  const levels = new LogLevels(settings.logLevel, settings.logLevels);
  const logger = new ServiceLogger({
    levels,
    json: process.env.NODE_ENV === 'production',
    colors: Boolean(process.stdout.isTTY) && !process.env.NO_COLOR,
    secrets,
  });
  const stop = new ServiceStop(process, resolved.shutdownDeadlineMs, logger);
  takeOverSignals();
  // Whoever reads the log may go away; that is no reason to stop syncing.
  process.stdout.on('error', () => {});
  process.stderr.on('error', () => {});
  await warnOfUnreadableFiles(environment, logger);
  try {
    const app = await create(environment, logger, stop);
    if (levels.allows('debug', MESSAGE_CATEGORY)) logMessages(app.get(SyncEvents), new Logger(MESSAGE_CATEGORY));
    await listen(app, environment, logger);
  } catch (error) {
    if (stop.hasBegun) return;
    logger.fatal(describeStartFailure(error), 'Service');
    await stop.end(1);
  }
}

async function create(
  { options, settings }: Environment,
  logger: ServiceLogger,
  stop: ServiceStop,
): Promise<NestExpressApplication> {
  const app = await NestFactory.create<NestExpressApplication>(
    AppModule.forRoot(options, settings),
    new ServiceHttpAdapter(),
    { logger, abortOnError: false, bodyParser: false },
  );
  stop.watch(app);
  return app;
}

async function listen(
  app: NestExpressApplication,
  { resolved, settings }: Environment,
  logger: ServiceLogger,
): Promise<void> {
  const places = [{ port: settings.port, host: settings.host }];
  if (settings.tcpPort !== undefined) places.push({ port: settings.tcpPort, host: TCP_HOST });
  await assertCanListen(places);
  // From here on it connects to the broker.
  await app.init();
  if (settings.tcpPort !== undefined) {
    const tcp = app.connectMicroservice(tcpTransport(settings.tcpPort, resolved.maxMessageBytes));
    await app.startAllMicroservices();
    logger.log(`Listening for "sync.change" on tcp://${TCP_HOST}:${portOf(tcp.unwrap<Server>())}`, 'Service');
  }
  await app.listen(settings.port, settings.host);
  logger.started();
  const host = /^(0\.0\.0\.0|::)$/.test(settings.host) ? '127.0.0.1' : settings.host;
  const base = `http://${host.includes(':') ? `[${host}]` : host}:${portOf(app.getHttpServer())}`;
  const sync = `${base}/api/mqtt/reliable-sync`;
  logger.log(`Listening: POST ${sync}/changes, GET ${sync}/health, ${base}/health/ready, ${base}/metrics`, 'Service');
  logger.log(`Operator page: ${base}/ui`, 'Service');
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

/** No reason to refuse the start: the files are read again at every connect, and may come later. */
async function warnOfUnreadableFiles({ resolved }: Environment, logger: ServiceLogger): Promise<void> {
  const files = {
    MQTT_PASSWORD_FILE: resolved.passwordFile,
    MQTT_TLS_CA_FILE: resolved.tls.caFile,
    MQTT_TLS_CERT_FILE: resolved.tls.certFile,
    MQTT_TLS_KEY_FILE: resolved.tls.keyFile,
  };
  for (const [variable, file] of Object.entries(files)) {
    if (file === undefined) continue;
    try {
      await access(file, constants.R_OK);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      logger.warn(`The file of ${variable} cannot be read (${code}); it is tried again at every connect.`, 'Service');
    }
  }
}
