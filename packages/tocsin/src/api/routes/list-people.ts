/** `GET /people`: who may do what; operators see every tenant's. */
import { listPeople } from '../../people/listed-people.ts';
import { isOperator } from '../../security/principal.ts';
import type { Route } from '../route.ts';
import { personSchema } from '../schemas.ts';

export const listPeopleRoute: Route = {
  method: 'GET',
  path: '/people',
  action: 'people.read',
  summary: 'List people, their roles, and whether their credential works',
  answer: { type: 'object', required: ['people'], properties: { people: { type: 'array', items: personSchema } } },
  handle: async ({ context, principal }) => ({
    people: listPeople(context.registry, isOperator(principal) ? undefined : principal.tenant, context.clock.nowMs()),
  }),
};
