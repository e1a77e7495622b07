#include "analysis/export_html.h"

#include "analysis/overview_page.h"
#include "analysis/page_assets.h"
#include "analysis/unit_page.h"
#include "io/folder_writer.h"

namespace expertoire {

void export_html(ExportedUnits& units, const std::string& folder,
                 const std::function<void(int64_t done)>& progress) {
  FolderWriter writer(folder);
  const std::vector<UnitRecord>& records = units.records();
  const UnitTable& table = units.index().units();
  std::string rows;
  size_t at = 0;
  units.for_each([&](const UnitView& view) {
    const Unit* before = at > 0 ? &records[at - 1].unit : nullptr;
    const Unit* after = at + 1 < records.size() ? &records[at + 1].unit : nullptr;
    writer.write("units/" + page_name(table, view.record.unit),
                 unit_page(view, units, before, after));
    rows += overview_row(view, units.index());
    progress(static_cast<int64_t>(++at));
  });
  writer.write("style.css", kPageStyle);
  writer.write("page.js", kPageScript);
  writer.write("index.html", overview_page(units, rows));
  writer.commit();
}

}  // namespace expertoire
