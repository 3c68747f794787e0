import { Controller, Logger } from '@nestjs/common';
import { MessagePattern, Payload, RpcException, Transport } from '@nestjs/microservices';
import { MqttSyncError } from '../../mqtt-sync/errors.js';
import { SyncPublisher } from '../../mqtt-sync/publisher/sync-publisher.service.js';
import { ProblemException } from '../http/problem.js';
import { type Accepted, toAccepted } from './accepted.js';
import { toChange } from './change-body.js';
import { IngressToken } from './ingress-token.js';

/** Takes changes over the Nest TCP transport: pattern `sync.change`, a change, and the token where one is set. */
@Controller()
export class SyncChangeController {
  private readonly logger = new Logger('Tcp');

  constructor(
    private readonly publisher: SyncPublisher,
    private readonly token: IngressToken,
  ) {}

  @MessagePattern('sync.change', Transport.TCP)
  async change(@Payload() message: unknown): Promise<Accepted> {
    try {
      const { entity, operation, data, ...options } = toChange(this.authorised(message));
      return toAccepted(await this.publisher.publish(entity, operation, data, options));
    } catch (error) {
      throw this.toRpcException(error);
    }
  }

  /** The message without its token. The transport listens on loopback only, so without a token everyone may. */
  private authorised(message: unknown): unknown {
    if (typeof message !== 'object' || message === null || Array.isArray(message)) return message;
    const { token, ...change } = message as Record<string, unknown>;
    if (this.token.isRequired && !this.token.matches(token)) {
      throw new ProblemException(401, { code: 'UNAUTHORIZED', detail: 'The message needs a valid "token".' });
    }
    return change;
  }

  private toRpcException(error: unknown): RpcException {
    if (error instanceof MqttSyncError) {
      const { code, message, retryable } = error;
      return new RpcException({ code, message, retryable });
    }
    if (error instanceof ProblemException) {
      const { code, detail: message } = error.problem;
      return new RpcException({ code, message, retryable: false });
    }
    this.logger.error(error instanceof Error ? (error.stack ?? error.message) : String(error));
    return new RpcException({
      code: 'INTERNAL_SERVER_ERROR',
      message: 'See the log of the service.',
      retryable: false,
    });
  }
}
