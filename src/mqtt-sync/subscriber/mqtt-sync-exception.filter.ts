import { Catch } from '@nestjs/common';
import { BaseRpcExceptionFilter } from '@nestjs/microservices';
import { type Observable, throwError } from 'rxjs';

/**
 * Passes on what a handler threw as it is, so that a parked change tells it. Without it Nest logs the error at every try
 * and puts "Internal server error" in its place.
 *
 * @example
 * @UseFilters(MqttSyncExceptionFilter)
 * @Controller()
 * export class WorkOrderChanges {}
 */
@Catch()
export class MqttSyncExceptionFilter extends BaseRpcExceptionFilter {
  override catch(exception: unknown): Observable<never> {
    return throwError(() => exception);
  }
}
