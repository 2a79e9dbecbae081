/** How often the matcher looks at its clock for idle sources, milliseconds: the resolution of absence. */
export const TICK_MS = 2000;
