/**
 * `POST /api/v1/events`: Tocsin's own door for events. Cutting a body into records is in `cut-body.ts`, CloudEvents in binary mode in
 * `binary-cloud-event.ts`, answers in `problem.ts`; the answer 202 means fsynced.
 */
import type { FastifyInstance } from 'fastify';
import type { Answer } from './answer.ts';
import { isBinaryCloudEvent, rawRecordOfBinaryCloudEvent } from './binary-cloud-event.ts';
import { tokenOfScheme } from './credential.ts';
import { cutBody, kindOf } from './cut-body.ts';
import { eventsSchema } from './events-schema.ts';
import type { DoorRequest, HttpDoor } from './http-door.ts';
import { answerToError, answerToResults } from './problem.ts';
import { type ServeDoorsOptions, serveDoors } from './serve-doors.ts';

/** The door as one of several. */
export const eventsDoor: HttpDoor = {
  name: 'events',
  routes: [{ method: 'POST', url: '/api/v1/events', schema: eventsSchema, handle: takeIn }],
  answerToError,
};

/** Fastify plugin with this door alone. */
export function eventsRoute(app: FastifyInstance, options: Omit<ServeDoorsOptions, 'doors'>): Promise<void> {
  return serveDoors(app, { ...options, doors: [eventsDoor] });
}

async function takeIn(request: DoorRequest): Promise<Answer> {
  const guest = await request.admit(tokenOfScheme(request.headers.authorization, ['bearer']));
  if (isBinaryCloudEvent(request.headers)) {
    return answerToResults(await guest.emit([rawRecordOfBinaryCloudEvent(request.headers, await guest.readBody())]));
  }
  const kind = kindOf(request.headers['content-type']);
  const body = await guest.readBody();
  return answerToResults(await guest.emit(cutBody(kind, body, guest)));
}
