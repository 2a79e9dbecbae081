/** The whole contract: every case, grouped by what it is about. Adding a group takes a file in `cases/` and a row here. */
import { closingCases } from './cases/closing.ts';
import { commitCases } from './cases/commit.ts';
import { deliveryCases } from './cases/delivery.ts';
import { duplicateCases } from './cases/duplicate.ts';
import { faultCases } from './cases/fault.ts';
import { fencingCases } from './cases/fencing.ts';
import { groupCases } from './cases/group.ts';
import { planCases } from './cases/plan.ts';
import { positionCases } from './cases/position.ts';
import { questionCases } from './cases/question.ts';
import { questionEndCases } from './cases/question-end.ts';
import { readCases } from './cases/read.ts';
import { stateCases } from './cases/state.ts';
import { subjectCases } from './cases/subject.ts';
import { topologyCases } from './cases/topology.ts';
import type { ContractCase } from './contract-kit.ts';

/** Every case an adapter must pass. */
export const contractCases: readonly ContractCase[] = [
  ...commitCases,
  ...fencingCases,
  ...duplicateCases,
  ...deliveryCases,
  ...groupCases,
  ...readCases,
  ...planCases,
  ...questionCases,
  ...questionEndCases,
  ...positionCases,
  ...subjectCases,
  ...faultCases,
  ...stateCases,
  ...topologyCases,
  ...closingCases,
];
