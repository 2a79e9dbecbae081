export type * from './event-bus.ts';
export { encodeFrame, type FrameFields } from './frame/encode-frame.ts';
export type { OpenedFrame } from './frame/frame-body.ts';
export { MAX_EVENT_BYTES, MAX_FRAME_BYTES, MAX_FRAME_EVENTS } from './frame/frame-layout.ts';
export { type ExpectedFrame, openFrame } from './frame/open-frame.ts';
export { comparePositions, encodePosition, type PositionParts, parsePosition, type StreamLife, sequenceIn } from './position.ts';
export type * from './request-reply.ts';
export { checkFilter, checkSubject, matchesSubject } from './subject-filter.ts';
