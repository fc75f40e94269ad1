// Package tracker awaits many jobs under one request budget.
package tracker
