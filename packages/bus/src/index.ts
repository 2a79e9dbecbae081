export type * from './event-bus.ts';
export { comparePositions, encodePosition, type PositionParts, parsePosition, type StreamLife, sequenceIn } from './position.ts';
export { checkFilter, checkSubject, filterCovers, filtersOverlap, MAX_SUBJECT_CHARACTERS, matchesSubject } from './subject-filter.ts';
