/** Who is asking: the outcome of `authenticate` and the only place a tenant comes from. */

/** Roles of people and programs. `producer` may send events and nothing else. */
export type Role = 'admin' | 'analyst' | 'viewer' | 'producer';

/** Roles a person may be given. */
export const PERSON_ROLES = ['admin', 'analyst', 'viewer'] as const satisfies readonly Role[];
export type PersonRole = (typeof PERSON_ROLES)[number];

/** What may be asked for. One name per privileged act or protected view. */
export type Action =
  | 'events.write'
  | 'events.read'
  | 'alerts.read'
  | 'alerts.write'
  | 'rules.read'
  | 'rules.write'
  | 'sources.read'
  | 'sources.write'
  | 'deadletters.read'
  | 'deadletters.write'
  | 'replays.read'
  | 'replays.write'
  | 'quotas.write'
  | 'people.read'
  | 'people.write'
  /** What concerns all tenants: operators only. */
  | 'installation.write'
  | 'audit.read'
  | 'status.read';

/** Somebody who has proved who he is. */
export interface Principal {
  readonly tenant: string;
  /** Name for AUDIT: a person, or `source/<name>`. */
  readonly actor: string;
  /** Source the credential belongs to, for producers. */
  readonly source?: string | undefined;
  readonly roles: readonly Role[];
  readonly credentialId: string;
  /** Whole id of the credential; its beginning is what people are shown. */
  readonly credential?: string | undefined;
}

const VIEW: readonly Action[] = [
  'events.read',
  'alerts.read',
  'rules.read',
  'sources.read',
  'deadletters.read',
  'replays.read',
  'status.read',
];
const GRANTS: Readonly<Record<Role, readonly Action[]>> = {
  admin: [
    ...VIEW,
    'alerts.write',
    'rules.write',
    'sources.write',
    'quotas.write',
    'deadletters.write',
    'replays.write',
    'people.read',
    'people.write',
    'audit.read',
  ],
  analyst: [...VIEW, 'alerts.write', 'replays.write'],
  viewer: VIEW,
  producer: ['events.write'],
};

/** Whether any of the principal's roles grants the action. */
export function mayDo(principal: Principal, action: Action): boolean {
  if (action === 'installation.write') return isOperator(principal);
  return principal.roles.some((role) => GRANTS[role].includes(action));
}

/** Tenant of a fresh installation: its admins run the installation as a whole. */
export const OPERATING_TENANT = 'default';

/** Whether somebody may see and set what concerns all tenants. */
export function isOperator({ tenant, roles }: Principal): boolean {
  return tenant === OPERATING_TENANT && roles.includes('admin');
}
