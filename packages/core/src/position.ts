/**
 * Position: where a message stands in the log. Opaque to everybody but the bus adapter that made it; ordered within
 * a subject; carries site and stream generation, so that a recreated stream never aliases an old position.
 */
declare const positionBrand: unique symbol;

/** Opaque text. Compare with `comparePositions` of `@tocsin/bus`, never as text. */
export type Position = string & { readonly [positionBrand]: true };

/** Where one event stands: its frame's position and its index within the frame. */
export interface EventPosition {
  readonly position: Position;
  /** 0 … 511. */
  readonly index: number;
}
