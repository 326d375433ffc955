// Package sentinel turns rules into what Microsoft Sentinel and Defender XDR
// deploy: analytics rules, hunting queries, functions, watchlists and custom
// detections. It stands behind the query printers:
//
//	*ir.Rule ─▶ backends.KQL ─▶ Query ─▶ Export ─▶ files, Manifest
//
// Export decides once what an artefact says (identity, version, severity,
// tactics, entities, schedule, texts); a format only writes it down. Validate
// holds every file to what the services and Microsoft's own repository check,
// and Manifest says what changed since the last export into the same folder.
//
// The package reads and writes no files.
package sentinel
