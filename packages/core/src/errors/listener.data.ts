/** Error rows of the area `listener.*`: doors other than the events route. */
import type { ErrorTable } from './error-row.ts';

export const listenerErrors = {
  'listener.cannot_open': {
    retry: 'never', http: 500, exit: 78,
    about: 'A listener cannot be opened: its address is taken, its certificate cannot be read, or what it reads is not there.',
    say: (d: { listener: string; address: string; reason: string }) =>
      `Listener ${d.listener} cannot be opened on ${d.address}: ${d.reason}. Tocsin was not started. Correct it in the settings under "listeners", or free the address, and start again.`,
  },
  'listener.source_unknown': {
    retry: 'later', http: 503, exit: 78,
    about: 'A listener is bound by the settings to a source that is not registered or was revoked.',
    say: (d: { listener: string; source: string; tenant: string }) =>
      `Listener ${d.listener} is bound to source ${d.source} of tenant ${d.tenant}, which is not registered or was revoked. What comes from it is not stored: it is refused, and what was taken in before waits. Register it with: tocsin sources add ${d.source}`,
  },
  'listener.peer_unbound': {
    retry: 'later', http: 403, exit: 77,
    about: 'A peer of a listener is bound to no source, or to two at once.',
    say: (d: { listener: string; peer: string }) =>
      `Listener ${d.listener} has no source for ${d.peer}. What it sends is refused. Bind it in the settings under "listeners", with its address or certificate.`,
  },
  'listener.too_many_connections': {
    retry: 'later', http: 503, exit: 75,
    about: 'A listener has as many connections as it may have, in all or from one address.',
    say: (d: { listener: string; peer: string }) =>
      `Listener ${d.listener} has no room for another connection from ${d.peer}. It was closed. Send over fewer connections, or raise maxConnections.`,
  },
  'listener.stalled': {
    retry: 'later', http: 408, exit: 75,
    about: 'A peer began a message or a handshake and did not complete it in time.',
    say: (d: { listener: string; waitedMs: number }) =>
      `Listener ${d.listener} waited ${d.waitedMs} ms for the rest of a message. The connection was closed. Send messages whole.`,
  },
  'listener.idle': {
    retry: 'later', http: 408, exit: 75,
    about: 'Nothing arrived on a connection for as long as one may be idle.',
    say: (d: { listener: string; waitedMs: number }) =>
      `Listener ${d.listener} heard nothing for ${d.waitedMs} ms. The connection was closed. Connect again, or raise idleTimeout.`,
  },
  'listener.tls_failed': {
    retry: 'later', http: 400, exit: 76,
    about: 'A TLS handshake with a listener failed.',
    say: (d: { listener: string; reason: string }) =>
      `A TLS handshake with listener ${d.listener} failed: ${d.reason}. The connection was closed. Check versions and certificates of both ends.`,
  },
  'listener.bad_frame': {
    retry: 'never', http: 400, exit: 65,
    about: 'Bytes of a stream that no message could be made of: a wrong count, or a message that broke off.',
    say: (d: { listener: string }) =>
      `Bytes that came to listener ${d.listener} are no message in its framing. They were not stored. Reading goes on at the next message; where none can be told, the connection is closed. Check the framing of the sender.`,
  },
  'listener.queue_full': {
    retry: 'later', http: 503, exit: 75,
    about: 'A datagram came while as much was waiting to be stored as a listener may hold.',
    say: (d: { listener: string; maxBytes: number }) =>
      `Listener ${d.listener} already holds ${d.maxBytes} bytes that wait to be stored. The datagram was dropped. Send over TCP, which waits.`,
  },
  'listener.kernel_dropped': {
    retry: 'later', http: 503, exit: 75,
    about: 'Datagrams that the kernel dropped before a listener could read them.',
    say: (d: { listener: string; count: number }) =>
      `The kernel dropped ${d.count} datagrams to listener ${d.listener} before they were read. Raise receiveBufferBytes and net.core.rmem_max, or send over TCP.`,
  },
  'listener.upstream_failed': {
    retry: 'later', http: 502, exit: 69,
    about: 'A broker that a listener reads from cannot be reached, refuses it, or broke off.',
    say: (d: { listener: string; address: string; reason: string }) =>
      `Listener ${d.listener} cannot read from ${d.address}: ${d.reason}. It tries again with what was not stored; nothing is lost while the broker keeps it. Check address, credentials and names under "listeners".`,
  },
  'listener.empty_record': {
    retry: 'never', http: 400, exit: 65,
    about: 'A message of a broker without content: a tombstone, or an entry without the field that holds the record.',
    say: (d: { listener: string }) =>
      `A message that listener ${d.listener} read is empty. It was passed over. Send the record as its content.`,
  },
  'listener.record_gone': {
    retry: 'never', http: 410, exit: 65,
    about: 'An entry was deleted from a stream after it was handed out and before it could be stored.',
    say: (d: { listener: string }) =>
      `An entry that was handed to listener ${d.listener} is no longer in its stream. It was passed over. Trim streams later than they are read.`,
  },
  'listener.file_refused': {
    retry: 'later', http: 403, exit: 66,
    about: 'Something that the patterns of a file listener fit is not read: no regular file, a link, or not readable by this user.',
    say: (d: { listener: string; path: string; reason: string }) =>
      `Listener ${d.listener} does not read ${d.path}: ${d.reason}. Other files are read; it is looked at again. Correct its rights, or narrow the patterns.`,
  },
  'listener.file_rejected': {
    retry: 'never', http: 422, exit: 65,
    about: 'A file of a drop folder could not be read, or nothing in it could be taken.',
    say: (d: { listener: string; path: string; reason: string }) =>
      `Listener ${d.listener} rejected ${d.path}: ${d.reason}. What was read before is stored; the file lies there with its reasons beside it. Correct it and put it in again.`,
  },
  'listener.spool_damaged': {
    retry: 'never', http: 500, exit: 74,
    about: 'Records that waited in a spool cannot be read any more: the disk gave back other bytes than were written.',
    say: (d: { listener: string; records: number }) =>
      `The spool of listener ${d.listener} holds ${d.records} records that cannot be read any more. They are lost; what comes after them is given on. Look at the disk.`,
  },
  'listener.file_lost': {
    retry: 'later', http: 410, exit: 66,
    about: 'A followed file was replaced, emptied or removed, and what it held beyond the last place read was found nowhere.',
    say: (d: { listener: string; path: string; offset: number }) =>
      `Listener ${d.listener} had read ${d.path} up to byte ${d.offset} when it was replaced, emptied or removed, and found no rotated file that goes on there. Lines after that place, if there were any, are lost. Rotate by renaming.`,
  },
  'listener.too_many_files': {
    retry: 'later', http: 503, exit: 75,
    about: 'The patterns of a file listener fit more files than it may follow.',
    say: (d: { listener: string; maxFiles: number }) =>
      `The patterns of listener ${d.listener} fit more than ${d.maxFiles} files. The first ${d.maxFiles} are followed, the others are not read. Narrow the patterns, or raise maxFiles.`,
  },
  'listener.topic_forbidden': {
    retry: 'never', http: 403, exit: 77,
    about: 'A device published or left a will under a topic that is not its own, or its source has a name that no topic can begin with.',
    say: (d: { listener: string; source: string; prefix: string }) =>
      `Topics of source ${d.source} at listener ${d.listener} begin with ${d.prefix}/. Nothing was stored. Publish under that prefix, or change topicPrefix.`,
  },
  'listener.taken_over': {
    retry: 'later', http: 409, exit: 75,
    about: 'A connection of a device was closed because the device connected again with the same client identifier.',
    say: (d: { listener: string }) =>
      `Another connection to listener ${d.listener} has the same client identifier. The older one was closed. Give each client of a source its own identifier.`,
  },
  'listener.downlink_full': {
    retry: 'later', http: 503, exit: 75,
    about: 'A message to a device found no room: too many wait for it, or too much is retained. Its event is stored.',
    say: (d: { listener: string }) =>
      `Listener ${d.listener} has no room for another message that waits or is retained. It was stored as an event and is not delivered. Raise maxQueuedMessages, maxRetainedMessages or maxDownlinkBytes.`,
  },
} satisfies ErrorTable;
