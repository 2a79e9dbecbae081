/** Mappings held against the OCSF schema: classes, activities and the paths of attributes that they name. */
import type { MappingSpec } from '../mappings/mapping-spec.ts';
import { type OcsfShape, ocsfSchema } from './ocsf-schema.ts';

/** Something in a mapping that OCSF does not have. */
export interface MappingFlaw {
  readonly mapping: string;
  readonly reason: string;
}

/** Everything in these mappings that OCSF does not have. A path is looked for in the mapping's class, then, since cases inherit paths, in all. */
export function lintMappings(specs: readonly MappingSpec[]): MappingFlaw[] {
  const { classes } = ocsfSchema();
  const all = [...classes.values()];
  return specs.flatMap(({ id, classUid, activityId, ocsf }): MappingFlaw[] => {
    const shape = classes.get(classUid);
    if (shape === undefined) return [{ mapping: id, reason: `no class has the number ${classUid}` }];
    const missing = Object.keys(ocsf).filter((path) => !leads(shape, path) && !all.some((other) => leads(other, path)));
    return [
      ...(shape.activities.has(activityId) ? [] : [{ mapping: id, reason: `${shape.name} has no activity ${activityId}` }]),
      ...missing.map((path) => ({ mapping: id, reason: `OCSF has no attribute ${path}` })),
    ];
  });
}

/** Whether a path ends at a plain attribute, or within an object that holds anything. */
function leads(shape: OcsfShape, path: string): boolean {
  let at: OcsfShape | undefined = shape;
  for (const name of path.split('.')) {
    if (at === undefined) return false;
    if (at.attributes.size === 0) return true;
    const attribute = at.attributes.get(name);
    if (attribute === undefined) return false;
    at = ocsfSchema().object(attribute.type);
  }
  return at === undefined || at.attributes.size === 0;
}
