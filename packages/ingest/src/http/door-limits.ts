/** Bounds that all doors of the API's server share. Their defaults stand here; the settings of an installation override them. */

/** Bounds; each has a default. */
export interface DoorLimits {
  /** Most bytes of a body on the wire. Default 16 MiB. */
  readonly maxBodyBytes: number;
  /** Most bytes of a body after decompression. Default 64 MiB. */
  readonly maxPlainBytes: number;
  /** Most records in a body. Default 100,000. */
  readonly maxRecords: number;
  /** Longest time for a body to arrive, milliseconds. Default 30 s. */
  readonly bodyTimeoutMs: number;
  /** Most bytes of bodies in flight, of all requests and of one source. Default 256 and 96 MiB. */
  readonly maxInFlightBytes: number;
  readonly maxInFlightBytesPerSource: number;
}

const MIB = 1024 * 1024;

/** The limits where nothing else is configured. */
export const defaultDoorLimits: DoorLimits = {
  maxBodyBytes: 16 * MIB,
  maxPlainBytes: 64 * MIB,
  maxRecords: 100_000,
  bodyTimeoutMs: 30_000,
  maxInFlightBytes: 256 * MIB,
  maxInFlightBytesPerSource: 96 * MIB,
};
