package benign

// What people, places and applications are called. Names are common ones of
// the countries that the organisation works in; applications have names of our
// own.

var firstNames = []string{
	"Anna", "Lukas", "Marie", "Felix", "Julia", "Jonas", "Laura", "Paul", "Lena", "Leon", "Sarah", "Max", "Lea", "Finn", "Sophie", "Elias", "Clara", "Noah", "Emma", "Ben",
	"Katharina", "Tobias", "Nina", "Stefan", "Sandra", "Michael", "Petra", "Thomas", "Monika", "Andreas", "Birgit", "Wolfgang", "Elif", "Emre", "Ayse", "Mehmet", "Agnieszka", "Piotr", "Ioana", "Andrei",
}

var lastNames = []string{
	"Keller", "Weber", "Huber", "Wagner", "Bauer", "Fischer", "Schneider", "Meyer", "Lang", "Wolf", "Braun", "Schmid", "Hofmann", "Krause", "Vogel", "Winkler", "Gruber", "Steiner", "Moser", "Berger",
	"Lindner", "Brandt", "Seidel", "Otto", "Kraus", "Simon", "Pohl", "Haas", "Graf", "Busch", "Demir", "Yilmaz", "Kowalski", "Nowak", "Popescu", "Novak", "Horvat", "Rossi", "Martin", "Jansen",
}

var departments = []string{"Sales", "Production", "Logistics", "Finance", "Human Resources", "Engineering", "Purchasing", "Customer Service", "Marketing", "Legal", "IT", "Quality"}

var internalApps = []string{
	"Travel Booking", "Holiday Planner", "Time Sheet", "Canteen Menu", "Shift Plan", "Visitor Badge", "Quality Reports", "Machine Monitor", "Spare Parts", "Price Calculator", "Contract Archive", "Project Board",
	"Warehouse Gate", "Supplier Portal", "Customer Portal", "Service Desk", "Training Hub", "Meeting Rooms", "Parking", "Fleet", "Lab Notebook", "Release Board", "Test Rig", "Order Desk", "Returns", "Claims", "Invoice Scan", "Cost Centres", "Works Council", "Suggestion Box",
}

var galleryApps = []string{
	"CRM Cloud", "Ticket Cloud", "Code Forge", "Design Board", "E-Sign", "Survey Tool", "Expense Cloud", "Learning Cloud", "Recruiting Cloud", "Video Calls", "Status Page", "Pager", "Log Search", "Mail Campaigns", "Web Analytics",
	"Translation Desk", "Contract Sign", "Road Map", "Wiki Cloud", "Chat Bridge", "Password Safe", "Phone System", "Print Cloud", "Map Service", "Weather Feed", "Carrier Portal", "Customs Desk", "Rate Compare", "Bank Gateway", "Tax Filing",
}

// daemonApps are applications that act on their own, in this order in every
// tenant: their lives are told one by one.
var daemonApps = []string{
	"Contoso Mail Backup", "Contoso eDiscovery", "Contoso CRM Sync", "HR Sync", "Terraform Platform", "Terraform Network", "Terraform Data", "Release Pipeline", "Secret Rotation", "Monitoring Agent",
	"Room Displays", "Scan to Mail", "Legacy ERP Mailer", "Device Inventory", "Licence Report", "Signature Manager", "Payroll Export", "Data Warehouse Load", "Directory Export", "Ticket Mail Gateway",
}

var newsletters = []string{"Industry News", "Weekly Digest", "Logistics Today", "Trade Fair News", "Product Updates", "Webinar Invitations", "Supplier Bulletin", "Market Letter", "Travel Offers", "IT Security Brief"}

var subjects = []string{
	"Agenda for Tuesday", "Minutes of the project meeting", "Question about the order", "Delivery date of lot 4711", "Draft for review", "Offer for the machine park", "Travel to Vienna", "Shift change next week", "Lunch?", "Forecast for the third quarter",
	"Drawing revision C", "Complaint of a customer", "Spare parts for line 2", "Budget 2027 first figures", "Holiday planning", "Training on the new release", "Test results", "Contract amendment", "Visit on Thursday", "Photos of the trade fair",
}

var documents = []string{"Budget", "Forecast", "Minutes", "Offer", "Drawing", "Test report", "Shift plan", "Presentation", "Price list", "Contract draft", "Checklist", "Inventory", "Photos", "Manual", "Roadmap"}

var extensions = []string{"xlsx", "docx", "pptx", "pdf", "xlsx", "docx", "csv", "msg", "dwg", "png"}

var sites = []string{"sales", "production", "logistics", "finance", "people", "engineering", "purchasing", "service", "marketing", "legal", "it", "quality", "intranet", "project-alpha", "project-delta"}
