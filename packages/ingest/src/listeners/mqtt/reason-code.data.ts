/** Reason codes of MQTT 5 that this listener sends (OASIS MQTT 5.0, section 2.4), and return codes of CONNACK in 3.1.1 (section 3.2.2.3). */

/** Reason codes. */
export const reasonCode = {
  success: 0x00,
  noSubscription: 0x11,
  malformed: 0x81,
  protocolError: 0x82,
  notPossible: 0x83,
  badVersion: 0x84,
  badClientId: 0x85,
  badCredential: 0x86,
  notAuthorized: 0x87,
  unavailable: 0x88,
  busy: 0x89,
  shuttingDown: 0x8b,
  badAuthMethod: 0x8c,
  keepAliveOver: 0x8d,
  takenOver: 0x8e,
  badFilter: 0x8f,
  badTopic: 0x90,
  unknownPacketId: 0x92,
  receiveMaximumExceeded: 0x93,
  badAlias: 0x94,
  tooLarge: 0x95,
  quotaExceeded: 0x97,
  badPayload: 0x99,
  noSharedSubscriptions: 0x9e,
  noSubscriptionIds: 0xa1,
} as const;

/** CONNACK return codes of version 3.1.1 for reason codes; 3 (unavailable) for all others. */
export const returnCodes: Readonly<Record<number, number>> = {
  0x00: 0,
  0x84: 1,
  0x85: 2,
  0x86: 4,
  0x87: 5,
  0x8c: 5,
};
