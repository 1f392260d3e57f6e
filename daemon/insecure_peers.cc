#include "daemon/insecure_peers.h"

namespace auditferry {
namespace {

InsecurePeer insecure_peer(const std::string& kind, const std::string& name) {
  return {{kind, name},
          kind + " " + name + " has tls.insecure: neither certificate nor name of its far end are verified, and anybody between can read and change what is sent",
          "set tls.ca_file where the certificate is of an authority of your own, and remove tls.insecure"};
}

}  // namespace

std::vector<InsecurePeer> insecure_peers(const Settings& settings) {
  std::vector<InsecurePeer> peers;
  for (const SourceSettings& source : settings.sources) {
    if (source.peer.tls.insecure) peers.push_back(insecure_peer("source", source.name));
  }
  for (const ExporterSettings& exporter : settings.exporters) {
    if (exporter.enabled && exporter.insecure) peers.push_back(insecure_peer("exporter", exporter.name));
  }
  return peers;
}

}  // namespace auditferry
