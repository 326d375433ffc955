package benign

import (
	"fmt"
	"strings"
	"time"
)

// FileRecord is a row about a file in SharePoint or OneDrive.
func (t *Tenant) FileRecord(d Dice, at time.Time, operation string, u *User, from Network, agent, site, file string) map[string]any {
	workload, base := "SharePoint", "https://contoso.sharepoint.com/sites/"+site+"/"
	if site == "" {
		workload, base = "OneDrive", "https://contoso-my.sharepoint.com/personal/"+strings.ReplaceAll(u.Account, ".", "_")+"_contoso_com/"
	}
	r := t.OfficeRecord(d, at, workload, "SharePointFileOperation", operation, u)
	ext := file[strings.LastIndex(file, ".")+1:]
	r["OfficeObjectId"] = base + "Shared Documents/" + file
	r["UserKey"] = "i:0h.f|membership|1003" + u.ID[:8] + "@live.com"
	r["ClientIP"], r["EventSource"], r["ItemType"], r["SiteUrl"] = from.IP, "SharePoint", "File", base
	r["SourceFileExtension"], r["SourceFileName"], r["SourceRelativeUrl"], r["UserAgent"] = ext, file, "Shared Documents", agent
	r["Site"], r["ListId"], r["CorrelationId"] = d.GUID(), d.GUID(), d.GUID()
	return r
}

func aFile(d Dice) string {
	return fmt.Sprintf("%s %d.%s", pick(d, documents), d.between(1, 400), pick(d, extensions))
}

// worksOnFiles is what somebody does with files in a session.
func (m *month) worksOnFiles(d Dice, s *session) {
	if s.phone || !d.chance(0.2) {
		return
	}
	at := s.begin.Add(2 * time.Minute)
	site := pick(d, sites)
	if d.chance(0.3) {
		site = ""
	}
	for range d.between(1, 3) {
		at = at.Add(30*time.Second + d.within(12*time.Minute))
		op := pick(d, []string{"FileAccessed", "FileAccessed", "FileModified", "FilePreviewed", "FileDownloaded", "FileUploaded", "FileModified", "FileRenamed", "FileRecycled"})
		r := m.FileRecord(d, at, op, s.user, s.net, s.device.Agent, site, aFile(d))
		r["AppAccessContext"] = sessionOf(d, s.id, s.token)
		kind := everyday("file")
		if s.away {
			kind = everyday("travel")
		}
		m.add(kind, at, "OfficeActivity", r)
	}
}

// bulkFiles are computers that fetch all at once, projects that are taken away
// for a visit, and folders that are cleared.
func (m *month) bulkFiles(day int) {
	d := NewDice(m.Options.Seed, "bulk files", day)
	works := m.works(day)
	people := m.Users[:len(m.Users)-len(m.Admins)]
	many := func(o occasion, u *User, at time.Time, op, site, agent string, n int, pace time.Duration) time.Time {
		for i := range n {
			r := m.FileRecord(d, at, op, u, m.offices[u.Office], agent, site, fmt.Sprintf("%s %d-%d.%s", pick(d, documents), day, i, pick(d, extensions)))
			m.add(o, at, "OfficeActivity", r)
			at = at.Add(pace + d.within(pace))
		}
		return at
	}
	for range d.often(0.8 * works) {
		u := pick(d, people)
		many(m.begin("bulk-onedrive-sync"), u, m.day(day).Add(d.clock(11, 2)), "FileSyncDownloadedFull", "", "Microsoft SkyDriveSync 25.095.0518.0001 ship; Windows NT 10.0 (22631)", d.between(25, 70), 2*time.Second)
	}
	for range d.often(0.5 * works) {
		u := pick(d, people)
		many(m.begin("project-downloaded"), u, m.day(day).Add(d.clock(11, 2)), "FileDownloaded", pick(d, sites), u.Computer.Agent, d.between(8, 30), 6*time.Second)
	}
	for range d.often(0.4 * works) {
		u := pick(d, people)
		many(m.begin("folder-cleared"), u, m.day(day).Add(d.clock(13, 2)), "FileRecycled", pick(d, sites), u.Computer.Agent, d.between(8, 20), 4*time.Second)
	}
	if day == 8 || day == 17 || day == 29 { // taken to the archive, deleted in the afternoon
		u := pick(d, people)
		o := m.begin("project-archived")
		site := pick(d, sites)
		at := many(o, u, m.day(day).Add(10*time.Hour), "FileDownloaded", site, u.Computer.Agent, 16, 5*time.Second)
		many(o, u, at.Add(4*time.Hour), "FileDeleted", site, u.Computer.Agent, 16, 5*time.Second)
	}
}
