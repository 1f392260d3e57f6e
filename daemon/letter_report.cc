#include "daemon/letter_report.h"

#include "encoding/harmless_text.h"

namespace auditferry {
namespace {

std::string record_name(const DeadLetterRow& letter) {
  const StreamIdentity& whose = letter.identity;
  if (letter.batch.records.empty()) return "-";
  const Record& record = letter.batch.records.front();
  std::string name = whose.vendor + "/" + whose.tenant + "/" + whose.stream + "/" + std::string(record.id);
  if (record.revision > 1) name += "@" + std::to_string(record.revision);
  return name;
}

std::string record_time(const DeadLetterRow& letter) {
  if (letter.batch.records.empty() || !letter.batch.records.front().has_time) return "-";
  return report_time(letter.batch.records.front().time);
}

// As plain(), without cutting it.
std::string whole(std::string_view text) {
  return harmless_text(text, text.size() * 4 + 16);
}

std::string first_words(std::string_view reason) {
  return harmless_text(reason, 160);
}

std::string shown(const DeadLetterRow& letter) {
  std::string text = "dead letter " + std::to_string(letter.letter_id) + "\n";
  const auto line = [&text](std::string_view name, const std::string& value) {
    text += "  " + std::string(name) + ": " + value + "\n";
  };
  if (letter.damaged) line("damaged", "what is stored of it is not what was stored: check the disk, and do not rely on what follows");
  line("exporter", plain(letter.exporter));
  line("sequence number", std::to_string(letter.seq));
  line("record", plain(record_name(letter)));
  line("its time", record_time(letter));
  line("refused", report_time(letter.at));
  if (letter.group != 0)
    line("group", std::to_string(letter.group) + " (refused together: the far end named no record)");
  line("reason", whole(letter.reason));
  line("as it was sent", whole(letter.bytes));
  return text;
}

}  // namespace

Result<std::size_t> render_letter_list(JournalReader& reader, const DeadLetterFilter& filter,
                                       const ReportSink& sink) {
  std::size_t count = 0;
  TextTable table({"ID", "EXPORTER", "SEQ", "RECORD", "TIME", "REFUSED", "REASON"});
  const Status read = reader.dead_letters(filter, [&](const DeadLetterRow& letter) {
    ++count;
    table.row({std::to_string(letter.letter_id), plain(letter.exporter), std::to_string(letter.seq),
               plain(record_name(letter)), record_time(letter), report_time(letter.at),
               (letter.damaged ? "(damaged) " : "") + first_words(letter.reason)});
  });
  if (!read) return read.error();
  sink(count == 0 ? "there are no dead letters\n" : table.text());
  return count;
}

Result<std::size_t> render_letters(JournalReader& reader, const DeadLetterFilter& filter,
                                   const ReportSink& sink) {
  std::size_t count = 0;
  const Status read = reader.dead_letters(filter, [&](const DeadLetterRow& letter) {
    ++count;
    sink(shown(letter));
  });
  if (!read) return read.error();
  return count;
}

}  // namespace auditferry
