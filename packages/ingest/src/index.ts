export { createFramer, type Framer, type FramerKey, type FramerOptions, type OutgoingFrame } from './framer.ts';
export { defaultEventsRouteLimits, type EventsPrincipal, type EventsRouteLimits, type EventsRouteOptions, eventsRoute } from './http/events-route.ts';
export { createIntake, type EmitOptions, type Intake, type IntakeLimits, type IntakeOptions } from './intake.ts';
export type * from './source.ts';
