export type * from './event-bus.ts';
export { MAX_STATE_BYTES } from './message-check.ts';
export { comparePositions, encodePosition, type PositionParts, parsePosition, type StreamLife, sequenceIn } from './position.ts';
export { checkFilter, checkSubject, matchesSubject } from './subject-filter.ts';
