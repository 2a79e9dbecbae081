export { type AlertChange, type AlertDetail, type AlertPage, type AlertQuery, type AlertTable, openAlertTable } from './alert-table.ts';
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
export type { ProjectionOptions } from './projection.ts';
