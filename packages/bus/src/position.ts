/**
 * The text form of a position, one for every adapter: `site.stream.generation.sequence`, the names as subject tokens.
 * Opaque to everybody else. The generation changes when a stream is made anew, so an old position is refused and never
 * taken for a message that it does not mean.
 */
import { decodeToken, encodeToken, type Position, TocsinError } from '@tocsin/core';

/** One life of one stream at one site. */
export interface StreamLife {
  readonly site: string;
  readonly stream: string;
  /** 1 … 32 letters and digits, another one each time the stream is made anew. */
  readonly generation: string;
}

/** What a position says. */
export interface PositionParts extends StreamLife {
  /** 1 … 2^53-1, rising in stored order. */
  readonly sequence: number;
}

const GENERATION = /^[A-Za-z0-9]{1,32}$/;
const SEQUENCE = /^[1-9][0-9]{0,15}$/;
/** Two names of 128 bytes, three characters each, a generation, a sequence and the dots. */
const MAX_CHARACTERS = 128 * 3 * 2 + 32 + 16 + 3;

/** Text of a position. @throws bus.bad_position for a generation or sequence out of range, bus.bad_name for a name */
export function encodePosition(parts: PositionParts): Position {
  const { site, stream, generation, sequence } = parts;
  if (!GENERATION.test(generation)) throw badPosition(generation, 'its generation is not 1 to 32 letters and digits');
  if (!Number.isSafeInteger(sequence) || sequence < 1) throw badPosition(String(sequence), 'its sequence is no positive integer');
  return `${encodeToken(site)}.${encodeToken(stream)}.${generation}.${sequence}` as Position;
}

/** What a position says, after checking every part of it. @throws bus.bad_position */
export function parsePosition(position: Position): PositionParts {
  if (typeof position !== 'string' || position.length > MAX_CHARACTERS)
    throw badPosition(String(position), 'it is no text of at most 819 characters');
  const [site = '', stream = '', generation = '', digits = '', ...rest] = position.split('.');
  if (rest.length > 0 || !GENERATION.test(generation) || !SEQUENCE.test(digits))
    throw badPosition(position, 'it is not of the form site.stream.generation.sequence');
  const sequence = Number(digits);
  if (!Number.isSafeInteger(sequence)) throw badPosition(position, 'its sequence is beyond 2^53-1');
  try {
    return { site: decodeToken(site), stream: decodeToken(stream), generation, sequence };
  } catch (cause) {
    throw badPosition(position, 'its site or stream is no token of a name', cause);
  }
}

/**
 * Negative where `a` was stored before `b`, zero where they are the same, positive after.
 * @throws bus.bad_position when they belong to different streams or lives of one: no order exists between those
 */
export function comparePositions(a: Position, b: Position): number {
  const parts = parsePosition(a);
  return parts.sequence - sequenceIn(parts, b);
}

/**
 * Sequence of a position that must belong to this life of this stream and not lie beyond its end: a stream that lost its
 * end would give the same positions to other messages.
 * @throws bus.bad_position when it belongs elsewhere or is greater than `lastSequence`
 */
export function sequenceIn(life: StreamLife, position: Position, lastSequence = Number.MAX_SAFE_INTEGER): number {
  const parts = parsePosition(position);
  if (parts.site !== life.site) throw badPosition(position, `it belongs to site ${parts.site}, not to ${life.site}`);
  if (parts.stream !== life.stream) throw badPosition(position, `it belongs to stream ${parts.stream}, not to ${life.stream}`);
  if (parts.generation !== life.generation) throw badPosition(position, `stream ${life.stream} was made anew since`);
  if (parts.sequence > lastSequence) throw badPosition(position, `stream ${life.stream} has never come that far, or has lost its end`);
  return parts.sequence;
}

function badPosition(text: string, reason: string, cause?: unknown): TocsinError {
  return new TocsinError('bus.bad_position', { position: JSON.stringify(text.slice(0, 120)), reason }, { cause });
}
