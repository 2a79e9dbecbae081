/** All routes of `/api/v1` beside the ingest listener's. Adding one is a file in `routes/` and a row here. */
import type { Route } from './route.ts';
import { actOnAlert } from './routes/act-on-alert.ts';
import { removeReplay, resumeReplay, stopReplay } from './routes/act-on-replay.ts';
import { addPerson } from './routes/add-person.ts';
import { addRules } from './routes/add-rules.ts';
import { addSource } from './routes/add-source.ts';
import { backtestRules } from './routes/backtest-rules.ts';
import { beginCatchUp, listCatchUps } from './routes/catch-up.ts';
import { showCoverage } from './routes/coverage.ts';
import { discardDeadLetters } from './routes/discard-dead-letters.ts';
import { editDeadLetterRoute } from './routes/edit-dead-letter.ts';
import { explainAlert } from './routes/explain-alert.ts';
import { fieldsSeen } from './routes/fields-seen.ts';
import { listAlerts } from './routes/list-alerts.ts';
import { listAudit } from './routes/list-audit.ts';
import { listDeadLetters } from './routes/list-dead-letters.ts';
import { listPeopleRoute } from './routes/list-people.ts';
import { listQuotas } from './routes/list-quotas.ts';
import { listReplayAlerts, showReplayAlert } from './routes/list-replay-alerts.ts';
import { listReplays, showReplay } from './routes/list-replays.ts';
import { listRules } from './routes/list-rules.ts';
import { listSchemas, showSchema } from './routes/list-schemas.ts';
import { listSources, showSource } from './routes/list-sources.ts';
import { makeNatsKey } from './routes/make-nats-key.ts';
import { patchSource } from './routes/patch-source.ts';
import { addPlannedEvent, cancelPlannedEvent, listPlannedEvents } from './routes/planned-events.ts';
import { quarantineRule } from './routes/quarantine-rule.ts';
import { rebuild } from './routes/rebuild.ts';
import { redriveDeadLetters } from './routes/redrive-dead-letters.ts';
import { revokePerson } from './routes/revoke-person.ts';
import { revokeSource } from './routes/revoke-source.ts';
import { rotateSource } from './routes/rotate-source.ts';
import { ruleCost } from './routes/rule-cost.ts';
import { ruleCoverage } from './routes/rule-coverage.ts';
import { setQuota } from './routes/set-quota.ts';
import { settle } from './routes/settle.ts';
import { showAlert } from './routes/show-alert.ts';
import { showConfig } from './routes/show-config.ts';
import { showDeadLetter } from './routes/show-dead-letter.ts';
import { showEvidence } from './routes/show-evidence.ts';
import { showStatus } from './routes/show-status.ts';
import { startReplay } from './routes/start-replay.ts';
import { tail } from './routes/tail.ts';

/** Every route, in the order of the API document. */
export const routes: readonly Route[] = [
  showStatus,
  listAlerts,
  showAlert,
  showEvidence,
  explainAlert,
  actOnAlert,
  listRules,
  addRules,
  backtestRules,
  ruleCost,
  ruleCoverage,
  quarantineRule,
  fieldsSeen,
  showCoverage,
  listCatchUps,
  beginCatchUp,
  listSources,
  addSource,
  makeNatsKey,
  showSource,
  patchSource,
  rotateSource,
  revokeSource,
  listPlannedEvents,
  addPlannedEvent,
  cancelPlannedEvent,
  listSchemas,
  showSchema,
  listPeopleRoute,
  addPerson,
  revokePerson,
  listQuotas,
  setQuota,
  listDeadLetters,
  showDeadLetter,
  editDeadLetterRoute,
  redriveDeadLetters,
  discardDeadLetters,
  listReplays,
  startReplay,
  showReplay,
  stopReplay,
  resumeReplay,
  removeReplay,
  listReplayAlerts,
  showReplayAlert,
  tail,
  settle,
  rebuild,
  listAudit,
  showConfig,
];
