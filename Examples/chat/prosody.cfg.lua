-- Prosody 0.12 for the example: loopback only and without TLS, so not for production. What to copy is marked.
-- servers.py fills in what stands in braces.
run_as_root = true
pidfile = "${folder}/prosody.pid"
data_path = "${folder}/data"
log = { info = "${folder}/prosody.log" }
plugin_paths = { "/usr/lib/prosody/modules" }
interfaces = { "127.0.0.1" }
c2s_ports = { ${c2s} }
s2s_ports = {}
http_ports = {}
https_ports = {}
component_interfaces = { "127.0.0.1" }
component_ports = { ${components} }
c2s_require_encryption = false
authentication = "internal_hashed"
modules_disabled = { "s2s", "tls" }
modules_enabled = {
  "adhoc", "carbons", "cloud_notify", "csi_simple", "disco", "lastactivity", "mam", "offline", "pep", "ping", "roster",
  "saslauth", "smacks",
}
default_archive_policy = true
-- Copy: what wakes a phone holds neither sender nor text.
push_notification_with_body = false
push_notification_with_sender = false

VirtualHost "${domain}"

Component "conference.${domain}" "muc"
  modules_enabled = { "muc_mam" }
  muc_room_default_members_only = true
  -- OMEMO encrypts for the real addresses of a room's members: they have to be visible.
  muc_room_default_public_jids = true
  muc_room_default_persistent = true

-- Copy: the component.
Component "media.${domain}"
  component_secret = "${password}"

Component "push.${domain}"
  component_secret = "${password}"
