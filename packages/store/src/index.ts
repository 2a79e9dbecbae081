export { type AlertChange, type AlertDetail, type AlertPage, type AlertQuery, type AlertTable, openAlertTable } from './alert-table.ts';
export {
  type CaughtUpRanges,
  type CoverageLedger,
  type CoverageLetter,
  type CoverageQuery,
  type CoverageRow,
  type CoverageStep,
  type CoverageTally,
  type CoveredFrame,
  DEADLETTER_STREAM,
  type FrameRange,
  MATCHES_STREAM,
  openCoverageLedger,
  type StepMark,
  UNKNOWN_ORDER,
  WAITING_ORDER,
} from './coverage-ledger.ts';
export {
  type CataloguedFrame,
  type FrameCatalogue,
  type Gap,
  type Kept,
  openFrameCatalogue,
  type Removed,
  type SourceTally,
  type SourceTotals,
} from './frame-catalogue.ts';
export { type Inbox, openInbox } from './inbox.ts';
export { isDamaged, type ProjectionOptions } from './projection.ts';
