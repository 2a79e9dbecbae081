/** Settings of the listeners: one group of named entries per kind, from the kinds' own declarations. */
import { named, type SettingFields, settings } from '@tocsin/core/setting';
import { listenerKinds } from '@tocsin/ingest';

const fields: SettingFields = Object.fromEntries(
  listenerKinds.map(({ kind, settings: each }) => [
    kind,
    named(each, { about: `Listeners of kind ${kind}, by names you choose. ${each.about}`, maxEntries: 64 }),
  ]),
);

/** The section `listeners`. What each kind's entry holds is known to the kind alone. */
export const listenerSettings = settings({
  about: 'Doors beside the HTTP API, by kind and by a name you choose. None by default.',
  fields,
});
