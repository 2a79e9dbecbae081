/** What others import of ingest. */
export { SourceActivity, type SourceFacts, type TakenBatch } from './activity/source-activity.ts';
export { type Admission, type AdmissionOptions, createAdmission, type Quota, type QuotaScope } from './admission/admission.ts';
export type { RefusalCount } from './admission/refusal-counts.ts';
export { createStallGuard, type StallGuard } from './admission/stall-guard.ts';
export { decoders, type FormatName, fieldsOf, isFormat, jsonObjectsOf } from './decoders/decoders.ts';
export { createFieldsReader, type FieldsReader } from './decoders/fields-reader.ts';
export {
  type AcceptedRecord,
  type DecodedRecord,
  type DecodeLimits,
  defaultDecodeLimits,
  type RecordDecoder,
  type RejectedRecord,
} from './decoders/record-decoder.ts';
export { createRecordReader, type RecordReader } from './decoders/record-reader.ts';
export { EVTX_CHUNK_BYTES, EVTX_HEAD_BYTES, type EvtxChunk, isEvtx, readEvtxChunk } from './evtx/evtx-chunk.ts';
export { createFramer, type Framer, type FramerKey, type FramerOptions, type OutgoingFrame } from './framer.ts';
export type { DoorLimits } from './http/door-limits.ts';
export { type WebhookSettings, webhookSettings } from './http/doors/webhook-settings.ts';
export { eventsRoute } from './http/events-route.ts';
export type { HttpDoor } from './http/http-door.ts';
export { createHttpDoors, type HttpDoorsOptions } from './http/http-doors.ts';
export { PRODUCER_BATCH_TYPE, readProducerBatch } from './http/producer-batch.ts';
export { type ServeDoorsOptions, serveDoors } from './http/serve-doors.ts';
export {
  createIntake,
  DEFAULT_MAX_EARLY_IDS,
  type EmitOptions,
  type Intake,
  type IntakeLimits,
  type IntakeOptions,
  type StoredEvent,
} from './intake.ts';
export type { Emit, Listener, ListenerContext, ListenerKind } from './listeners/listener.ts';
export { type HeldRecords, ListenerCounts } from './listeners/listener-counts.ts';
export { listenerKinds } from './listeners/listener-kinds.ts';
export type { KeptMessage, RefusedEvent } from './listeners/nats/kept-message.ts';
export { MessageDoor, type MessageDoorOptions, type QueuedMessage } from './listeners/nats/message-door.ts';
export { clientTls, readClientTls } from './listeners/pull/pull-settings.ts';
export { type OldestBatch, SpoolFiles } from './listeners/spool/spool-files.ts';
export { encodeFrame as encodeBatch, type SpooledBatch } from './listeners/spool/spool-frame.ts';
export type { Mapped } from './mappings/compile-mapping.ts';
export { compileMappings, loadMappings, type MappingSet, type MappingText } from './mappings/mapping-set.ts';
export type { MappingSpec } from './mappings/mapping-spec.ts';
export { type MappingTestFailure, runMappingTests } from './mappings/mapping-tests.ts';
export { readShippedMappings } from './mappings/shipped-mappings.ts';
export { normaliseRecord, type Receipt } from './normalise-record.ts';
export { createOcsfBuilder, type OcsfBuilder, type OcsfInput } from './ocsf/build-ocsf.ts';
export { type OcsfViolation, validateOcsf } from './ocsf/validate-ocsf.ts';
export { type PrivacyPolicy, policyConceals, privacyPolicySchema, type SecretsMode } from './privacy/privacy-policy.ts';
export { compilePrivacy, type RecordPrivacy } from './privacy/record-privacy.ts';
export { createRecordRouter, type RecordRoute, type RecordRouter } from './route/record-router.ts';
export { type CsvHead, readCsvEvents, sniffCsv } from './rows/csv-rows.ts';
export { looksLikeZeek, NO_ZEEK_HEAD, readZeekHead, readZeekLine, type ZeekLog } from './rows/zeek-rows.ts';
export { type EventSchema, type EventType } from './schemas/event-schema.ts';
export { createSchemaCheck, eventTypesOf, type SchemaCheck, type SchemaMode } from './schemas/schema-check.ts';
export { checkVersions } from './schemas/schema-compatibility.ts';
export type * from './source.ts';
export { type Cut, openRecordStream, type RecordStream } from './stream/record-stream.ts';
export { cutOf } from './stream/sniffing-stream.ts';
export { unpacked, unpackerOf } from './stream/unpack.ts';
