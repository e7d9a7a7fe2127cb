module drivers

go 1.26

require (
	github.com/go-sql-driver/mysql v1.0.0
	github.com/jmoiron/sqlx v1.0.0
	gorm.io/gorm v1.0.0
)

replace (
	github.com/go-sql-driver/mysql => ./mysql
	github.com/jmoiron/sqlx => ./sqlx
	gorm.io/gorm => ./gorm
)
