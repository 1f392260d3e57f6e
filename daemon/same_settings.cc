#include "daemon/same_settings.h"

#include "exporters/elastic_settings.h"
#include "exporters/file_settings.h"
#include "exporters/http_exporter_settings.h"
#include "exporters/otlp_exporter.h"
#include "exporters/splunk_settings.h"
#include "exporters/syslog_settings.h"

namespace auditferry {
namespace {

template <class Own>
bool same(const ExporterSettings& a, const ExporterSettings& b) {
  const Own* one = std::any_cast<Own>(&a.own);
  const Own* other = std::any_cast<Own>(&b.own);
  return one != nullptr && other != nullptr && same_settings(*one, *other);
}

}  // namespace

bool same_own_settings(const ExporterSettings& a, const ExporterSettings& b) {
  if (!a.own.has_value() && !b.own.has_value()) return true;
  return same<FileSettings>(a, b) || same<HttpExporterSettings>(a, b) || same<SplunkSettings>(a, b) || same<ElasticSettings>(a, b) ||
         same<OtlpSettings>(a, b) || same<SyslogSettings>(a, b);
}

}  // namespace auditferry
