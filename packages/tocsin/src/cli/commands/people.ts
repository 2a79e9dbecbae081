/** `tocsin people`: who may do what: list, let in, revoke. */
import { parseDuration, TocsinError } from '@tocsin/core';
import type { ListedPerson } from '../../people/listed-people.ts';
import { PERSON_ROLES } from '../../security/principal.ts';
import { type Command, type GivenOptions, listOption, textOption } from '../command.ts';
import { sayTime } from '../figures.ts';
import type { Column } from '../terminal.ts';
import { visible } from '../visible-text.ts';

const COLUMNS: readonly Column<ListedPerson>[] = [
  { title: 'TENANT', value: (row) => row.tenant },
  { title: 'NAME', value: (row) => row.name },
  { title: 'ROLES', value: (row) => row.roles.join(', ') },
  { title: 'SINCE', value: (row) => sayTime(row.createdMs) },
  {
    title: 'STATE',
    value: sayState,
    style: ({ state }) => (state === 'active' ? 'green' : 'dim'),
  },
];

function sayState({ state, expiresMs, revokedMs }: ListedPerson): string {
  if (revokedMs !== undefined) return `revoked ${sayTime(revokedMs)}`;
  if (expiresMs === undefined) return state;
  return `${state === 'expired' ? 'expired' : 'active until'} ${sayTime(expiresMs)}`;
}

const TENANT = { flags: '--tenant <name>', about: 'in another tenant than your own (operators)' };

/** `tocsin people`: the list. */
export const people: Command = {
  name: 'people',
  summary: 'list people, their roles, and whether their credential works; operators see every tenant',
  examples: ['tocsin people', 'tocsin people add anna --role analyst', 'tocsin people add boss --tenant acme --role admin'],
  async run({ terminal, api }) {
    const found = await (await api()).call<{ people: ListedPerson[] }>('GET', '/people');
    if (terminal.json) terminal.object(found);
    else terminal.table(COLUMNS, found.people);
    return 0;
  },
};

/** `tocsin people add NAME`. */
export const peopleAdd: Command = {
  name: 'people add',
  argument: '<name>',
  summary: 'let a person in; the credential is shown this once and kept nowhere. The first person of a tenant makes the tenant',
  options: [
    { flags: '--role <role...>', about: `${PERSON_ROLES.join(', ')}; several add up (default: viewer)` },
    TENANT,
    { flags: '--expires <duration>', about: 'how long it is accepted, such as 8h or 90d (default: until it is revoked)' },
  ],
  examples: [
    'tocsin people add anna --role analyst',
    'tocsin people add auditor --expires 14d',
    'tocsin people add boss --tenant acme --role admin',
  ],
  async run({ terminal, api }, [name = ''], options) {
    const client = await api();
    const body = { name, ...tenantOf(options), roles: rolesOf(options), ...expiryOf(options) };
    const added = await client.call<{ person: ListedPerson; token: string }>('POST', '/people', { body });
    if (terminal.json) {
      terminal.object(added);
      return 0;
    }
    if (!terminal.interactive) {
      terminal.line(added.token);
      return 0;
    }
    const { tenant, roles } = added.person;
    terminal.line(
      `${terminal.style('bold', visible(name))} of tenant ${visible(tenant)} is ${roles.join(' and ')}, ${sayState(added.person)}.`,
    );
    terminal.line(`Token  ${terminal.style('bold', added.token)}`);
    terminal.line('It is shown only now and kept nowhere: give it to the person over a way you trust.');
    terminal.line(`Use:   TOCSIN_URL=${client.address.url} TOCSIN_TOKEN=… tocsin alerts`);
    return 0;
  },
};

/** `tocsin people revoke NAME`. */
export const peopleRevoke: Command = {
  name: 'people revoke',
  argument: '<name>',
  summary: 'revoke a person: the credential stops working at once, and whatever is followed with it ends',
  options: [TENANT],
  examples: ['tocsin people revoke anna', 'tocsin people revoke boss --tenant acme'],
  async run({ terminal, api }, [name = ''], options) {
    const path = `/people/${encodeURIComponent(name)}/revoke`;
    const answer = await (await api()).call<{ person: ListedPerson }>('POST', path, { body: tenantOf(options) });
    if (terminal.json) terminal.object(answer);
    else terminal.line(`${visible(name)} of tenant ${visible(answer.person.tenant)} is ${sayState(answer.person)}.`);
    return 0;
  },
};

function tenantOf(options: GivenOptions): { readonly tenant?: string } {
  const tenant = textOption(options, 'tenant');
  return tenant === undefined ? {} : { tenant };
}

/** @throws cli.bad_option for a role that there is not */
function rolesOf(options: GivenOptions): readonly string[] {
  const given = [...new Set(listOption(options, 'role'))];
  const unknown = given.find((role) => !PERSON_ROLES.some((known) => known === role));
  if (unknown !== undefined) throw new TocsinError('cli.bad_option', { option: '--role', given: unknown, wants: PERSON_ROLES.join(', ') });
  return given.length === 0 ? ['viewer'] : given;
}

/** @throws cli.bad_option */
function expiryOf(options: GivenOptions): { readonly expiresInSeconds?: number } {
  const given = textOption(options, 'expires');
  if (given === undefined) return {};
  const ms = parseDuration(given);
  if (ms === undefined || ms < 1000)
    throw new TocsinError('cli.bad_option', { option: '--expires', given, wants: 'a time from 1s on, such as 90d' });
  return { expiresInSeconds: Math.floor(ms / 1000) };
}
