/** What ends a connection: which reason code the device is told, and what is counted. */
import type { ErrorCode } from '@tocsin/core';
import { reasonCode } from './reason-code.data.ts';

/** A reason to close. Not an error of the product: it never leaves the listener. */
export class MqttFault extends Error {
  readonly reason: number;
  readonly code: ErrorCode;
  /** Whether what was sent is at fault, and counts as a rejected record; else a connection was refused. */
  readonly isRejection: boolean;

  constructor(
    reason: number,
    why: string,
    { code = 'listener.bad_frame', isRejection = true }: { code?: ErrorCode; isRejection?: boolean } = {},
  ) {
    super(why);
    this.reason = reason;
    this.code = code;
    this.isRejection = isRejection;
  }
}

/** What breaks the rules of the protocol. */
export function protocolFault(why: string, reason: number = reasonCode.protocolError): MqttFault {
  return new MqttFault(reason, why);
}
